"""How fast Parley is, as ratios to baselines, peers and older commits that run on the same machine at the same time."""
