"""A round (谈判轮次) in its folder: begun, acted in, closed, verified."""
