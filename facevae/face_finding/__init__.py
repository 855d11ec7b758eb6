"""Finds the faces in a photograph: where they are, their eyes, and whether they are good enough to learn from.

The steps, which an app or a page takes in the same order with the exported detector files (`files.py`):

1. `blazeface.py`: the full-range and the short-range detector look at the whole photograph, scaled into a black square.
   Boxes that overlap are averaged.
2. `finder.py`: the short-range detector looks again at each face, cut out larger than its box and turned so that the
   eyes are level; and once more where the eyes were then seen elsewhere, as they are of small faces. Only then do the
   eyes lie within a pixel or two; and what is no face the second time is dropped. Where no face is left, the full-range
   detector looks at overlapping squares of the photograph, in which small faces are larger, and step 2 follows again,
   with a higher score for a face.
3. `facevae/data/alignment.py`: the photograph is turned, scaled and shifted so that the eyes lie where this detector
   sees them in the training images (`alignment.Frame.seen_eyes`).
4. `quality.py`: for training, faces that are uncertain, tiny, blurred or sideways are left out.
"""

from facevae.face_finding.finder import Face as Face
from facevae.face_finding.finder import FaceFinder as FaceFinder
from facevae.face_finding.finder import shared_finder as shared_finder
