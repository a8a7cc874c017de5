"""The rules language: the text of rules.yaml in, a checked and compiled rule set out. Pure: no network, no clock."""
