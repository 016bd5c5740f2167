"""The list of accounts: filters, sort orders, pages and totals."""
