"""A rehearsal of a round (谈判演练), made for a synthetic region."""
