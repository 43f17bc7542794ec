"""Everything that people read, in their language: texts, and the formats of numbers, dates and names."""
