"""One plugin that goes off in every way it can, beside healthy ones under calls, and what each of these did to them."""
