"""What a feed's configuration may lack, with what may fill it: leaves for the catalogue's
categories, columns for attributes, allowed values for the catalogue's own. Each has a score and a
reason; nothing is applied before it is accepted. The store of `title_suggestion`."""
