"""Methods compared image by image: paired differences, the shrinking of the tail, and the agreement of evaluators."""
