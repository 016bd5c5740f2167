"""What composes an application out of plugins and checks it before it starts."""
