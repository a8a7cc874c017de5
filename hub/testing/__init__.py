"""For trying things: sample events, fakes of far ends over real HTTP, and the suite a connector has to pass."""
