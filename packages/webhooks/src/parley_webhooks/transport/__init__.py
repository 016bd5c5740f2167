"""How a delivery leaves: checked addresses, connections, signatures and sealed secrets."""
