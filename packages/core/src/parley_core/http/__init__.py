"""What answers requests: routes, problems, documentation, pages."""
