"""The page's cards: each a function of a `CampaignState`, a module a subject."""
