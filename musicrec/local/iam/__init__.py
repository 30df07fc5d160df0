"""Who may do what: roles and their policies, evaluated for every request that a role signs."""
