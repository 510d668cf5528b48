"""Who may do what with the app, and which folders of its machine may be opened from a page."""
