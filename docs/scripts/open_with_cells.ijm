// Opens an image with its cells in the ROI Manager, from the files <image>_RoiSet.zip that cell_pipelines writes
// (format imagej_roi). Plugins > Macros > Run..., or an argument "image|folder of the RoiSet.zip files".

arguments = split(getArgument(), "|");
if (arguments.length == 2) {
    image = arguments[0];
    folder = arguments[1];
} else {
    image = File.openDialog("An image");
    folder = getDirectory("Folder of the RoiSet.zip files");
}
if (!endsWith(folder, File.separator)) folder += File.separator;

// The files lie in the same folders as the images: the longest end of the image's path that is there counts.
parts = split(File.getParent(image), "/\\");
file = File.getName(image);
stem = file;
if (lastIndexOf(file, ".") > 0) stem = substring(file, 0, lastIndexOf(file, "."));
found = "";
for (first = 0; first <= parts.length && found == ""; first++) {
    place = folder;
    for (i = first; i < parts.length; i++) place += parts[i] + File.separator;
    if (File.exists(place + stem + "_RoiSet.zip")) found = place + stem + "_RoiSet.zip";
    else if (File.exists(place + file + "_RoiSet.zip")) found = place + file + "_RoiSet.zip";
}
if (found == "") exit("No " + stem + "_RoiSet.zip for " + image + " in " + folder);

open(image);
roiManager("reset");
// An archive without entries has 22 bytes, and is an error to the ROI Manager: an image without cells.
if (File.length(found) > 22) roiManager("open", found);
if (roiManager("count") > 0) roiManager("show all with labels");
print(roiManager("count") + " ROIs of " + found);
