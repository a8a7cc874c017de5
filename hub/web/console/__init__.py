"""What people see in the browser: orders, and what happened to each. Server-rendered; needs no JavaScript."""
