"""The log page by page, and the catalogue of its types."""
