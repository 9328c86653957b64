// Saves the corrected ROIs of the ROI Manager for the image in front as <image>_RoiSet.zip, which cell_pipelines reads
// (format imagej_roi). Plugins > Macros > Run..., or the folder to save in as an argument.

folder = getArgument();
if (folder == "") folder = getDirectory("Folder to save the corrected ROIs in");
if (!endsWith(folder, File.separator)) folder += File.separator;
if (nImages == 0) exit("Open the image first: its name is that of the file.");

// The folder of the image goes along, since images of several folders may have one name.
file = getInfo("image.filename");
if (file == "") file = getTitle();
directory = getInfo("image.directory");
if (directory != "") {
    parts = split(directory, "/\\");
    folder += parts[parts.length - 1] + File.separator;
    File.makeDirectory(folder);
}
if (roiManager("count") == 0) exit("There are no ROIs to save.");
target = folder + file + "_RoiSet.zip";
// Of which image an earlier file is can't be known: folders with the same name may lie in different places.
if (File.exists(target)) {
    if (!getBoolean(target + " is there already, perhaps of another image with the same name. Replace it?"))
        exit("Not saved: " + target);
}
roiManager("deselect");
roiManager("save", target);
print(roiManager("count") + " ROIs saved as " + target);
