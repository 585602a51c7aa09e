const models = document.getElementById("models");
if (models) makeSortable(models);
