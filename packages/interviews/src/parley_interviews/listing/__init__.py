"""The list of interviews: filters, sort orders, pages and totals."""
