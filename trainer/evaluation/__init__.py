"""Does the model obey its actions? Roll-outs of held-out clips with true, shuffled and no actions, measured.

scenes (what is rolled out) -> rollouts (by the model) -> measure (px, pointer, text; figures by clip and frame) ->
report (figures with intervals) -> table, page. metrics and intervals are the arithmetic, lpips and fvd (with
i3d) look through published networks whose weights the user has, compare puts reports side by side. Every figure is
taken from decoded pixels; what reads them (trainer.reading) knows no actions.
"""
