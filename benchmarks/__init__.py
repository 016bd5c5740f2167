"""How fast Parley reads, as ratios to baselines and peers that run in the same minutes on the same machine."""
