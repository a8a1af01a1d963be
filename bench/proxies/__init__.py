"""Momus' edges beside other proxies: what each costs, as ratios of one run on one machine."""
