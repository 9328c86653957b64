/*
 * Adds cells to an image of a QuPath project, from the GeoJSON files that cell_pipelines writes (format qupath_geojson).
 * Automate > Script editor, then Run > Run for project. The files lie in the project's folder "cells", or in the folder
 * that is given here or as an argument.
 */
import qupath.lib.io.PathIO

def folder = new File(binding.hasVariable('args') && args ? args[0] : buildFilePath(PROJECT_BASE_DIR, 'cells'))
def replace = false  // true removes what the image has already

/** The longest end of the image's path, with or without its ending, after which a file is called. */
def findFile(File folder, String image) {
    def withoutEnding = image.replaceFirst(/\.[^.\/]+$/, '')
    def ends = [image, withoutEnding].collectMany { path ->
        def parts = path.split('/').findAll { it }
        (0..<parts.size()).collect { parts.drop(it).join('/') }
    }
    ends.sort { -it.count('/') }.collect { new File(folder, it + '.geojson') }.find { it.isFile() }
}

def name = getProjectEntry().getImageName()
def uris = getCurrentServer().getURIs()
def file = findFile(folder, uris ? uris[0].getPath() : name) ?: findFile(folder, name)
if (file == null) {
    println "${name}: no file in ${folder} is called like it"
    return
}
if (!getAnnotationObjects().isEmpty() || !getDetectionObjects().isEmpty()) {
    if (!replace) {
        println "${name}: left as it is, since it has objects already"
        return
    }
    clearAllObjects()
}
def cells = PathIO.readObjects(file)
addObjects(cells)
println "${name}: ${cells.size()} objects of ${file}"
