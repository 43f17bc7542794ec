"""What people read, in their language: texts, and the forms of numbers, dates and names."""
