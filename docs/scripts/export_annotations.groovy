/*
 * Writes the annotations and detections of an image of a QuPath project as GeoJSON that cell_pipelines reads
 * (format qupath_geojson). Automate > Script editor, then Run > Run for project, for the images that are finished: one
 * without objects is written, too, and read as an image without cells. The files go into the project's folder
 * "corrected", or into the folder that is given here or as an argument. A file that holds another image's objects since
 * QuPath was started, such as another scene's of the same slide, is not written over.
 */
def folder = new File(binding.hasVariable('args') && args ? args[0] : buildFilePath(PROJECT_BASE_DIR, 'corrected'))

// The folder of the image goes along, since images of several folders may have one name.
def uris = getCurrentServer().getURIs()
def image = uris ? new File(uris[0].getPath()) : new File(getProjectEntry().getImageName())
def home = image.getParentFile()?.getName() ? new File(folder, image.getParentFile().getName()) : folder
home.mkdirs()
def file = new File(home, image.getName() + '.geojson')

// Each image is a run of its own; what is remembered between them are properties of the program.
def name = getProjectEntry().getImageName()
def own = "${buildFilePath(PROJECT_BASE_DIR)}, image ${getProjectEntry().getID()}, ${name}".toString()
def written = "cell_pipelines wrote ${file.getAbsolutePath()}".toString()
def earlier = System.getProperty(written)
if (file.isFile() && earlier != null && earlier != own) {
    println "${name}: NOT written, since ${file} holds the objects of another image (${earlier})"
    return
}

def objects = getAnnotationObjects() + getDetectionObjects()
exportObjectsToGeoJson(objects, file.getPath(), 'FEATURE_COLLECTION')
System.setProperty(written, own)
println "${image.getName()}: ${objects.size()} objects in ${file}"
