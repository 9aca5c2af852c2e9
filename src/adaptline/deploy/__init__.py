"""Production: releases, channels, and the gateway that answers with them."""
