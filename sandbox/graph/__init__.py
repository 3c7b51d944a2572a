"""A stand-in for Microsoft Graph and for the PowerShell runner: one stateful tenant or many, on loopback.

It answers by Microsoft's own types (contract.json). It is not Microsoft 365, and says so wherever its name is shown.
"""

STAND_IN = "stand-in tenant on this machine; nothing of Microsoft 365 is contacted"
