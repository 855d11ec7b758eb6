package com.example.faces

// Reads the numbers of a detector from standard input and prints what the app makes of them: for the comparison with
// Python. The lines are the detector, its boxes, its scores, and two places for the eyes.
fun main() {
    fun numbers() = readLine()!!.split(' ').map { it.toFloat() }.toFloatArray()
    fun show(face: Detection) = println((face.numbers.toList() + face.score).joinToString(" "))
    fun show(square: Square) = println(listOf(square.a, square.b, square.x, square.y).joinToString(" "))
    val detector = Detector.valueOf(readLine()!!)
    val faces = averaged(decoded(detector, numbers(), numbers(), CANDIDATE_SCORE))
    val (u, v, w, z) = numbers().toList()
    println(listOf(CANDIDATE_SCORE, LEAST_SCORE, CLOSE_UP, SURE, FAR_OFF, PART).joinToString(" "))
    println(faces.size)
    for (face in faces) {
        val square = Square.around(face.numbers, CLOSE_UP, 128)
        show(face)
        show(mirrored(face, 128))
        show(square)
        show(square.toPhotograph(face))
        show(Square.aligning(face.numbers, listOf(Pair(u, v), Pair(w, z)), 64))
    }
    Square.overlapping(1200, 1000, 192).forEach { show(it) }
    println(faces.count { farOff(it.numbers, faces[0].numbers) })
    show(Square.whole(1200, 900, 192))
    println(inTheMiddle(faces, detector.side)?.let { faces.indexOf(it) } ?: -1)
}
