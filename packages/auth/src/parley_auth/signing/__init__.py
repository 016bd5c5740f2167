"""The keys that sign access tokens: key ring, stored secret, public key set."""
