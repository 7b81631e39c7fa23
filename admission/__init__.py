"""The rules of admission: pure, without input or output, clock or framework."""
