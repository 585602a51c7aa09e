"""What is made before the server starts: the champion, the study's pairs, and the figures of the statistics page."""
