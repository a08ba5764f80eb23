"""The loop: where everything lies, what each stage notes, the stages in order, and what a campaign
comes to."""
