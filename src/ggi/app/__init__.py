"""Use cases: functions over a workspace that give values or events, without a terminal."""
