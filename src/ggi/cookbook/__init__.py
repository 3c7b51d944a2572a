"""The Cookbook: recipes for Microsoft 365 as data, compared with a tenant, planned, written, and read again."""
