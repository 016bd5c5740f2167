"""Authorization: guards, the policy table, participant scopes."""
