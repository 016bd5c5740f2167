"""A model of the product: what each request must answer, as plain functions of plain states."""
