"""Fakes for testing only: four ways of swapping or moving a face that nothing here was ever trained on.

    name  how                                                                     module
    t1    68-point mesh warp of another's face, mean RGB, feathered by distance    face_swap
    t2    the same warp, eroded hull, Poisson blending                             poisson_swap
    t3    affine alignment, Reinhard's colours, Laplacian pyramid of 5 levels      pyramid_swap
    t5    the own mouth, eyes and brows moved like another's by a spline           reenact

For those who have no dataset of deepfakes. They are tests of compositing (t1-t3) and a re-enactment without any paste
(t5): a score on them is no score on deepfakes, and is not to be called one. They share no operator with the
pseudo-fakes of training (`dfdetect.data.fakes`); an import rule and tests/evaluate/test_fakes keep it so.
"""
