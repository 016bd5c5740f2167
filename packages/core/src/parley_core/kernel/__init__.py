"""What composes an application out of plugins and proves it before it starts."""
