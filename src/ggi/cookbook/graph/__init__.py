"""The channel to Microsoft Graph: signing in, budgets of requests, batches, and the objects that recipes use."""
