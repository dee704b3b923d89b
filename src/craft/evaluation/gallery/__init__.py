"""A page on which every image of a run is looked at beside its scores."""
