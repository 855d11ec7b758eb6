"""How faces gain and lose attributes: directions in latent space, their strengths, and what else they change."""
