"""What runs here: versions, plugins with their routes, the policy, and what is badly set. For administrators."""
