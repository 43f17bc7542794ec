"""Who may call what: callers, the policy of every route, and the middleware that asks."""
