"""What every part of a method is worth: variants of it beside the method as it is."""
