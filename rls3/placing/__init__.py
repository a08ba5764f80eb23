"""From a `Goal` to poses that show it: solver, validity, object container, stratified specs."""
