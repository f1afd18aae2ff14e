"""How `make up` runs everything: supervisord keeps the parts running, and `up` leads it from start to stop."""
