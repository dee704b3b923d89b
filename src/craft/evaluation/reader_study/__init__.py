"""The blinded reader study: a page on which physicians choose between images, and what their choices say."""
