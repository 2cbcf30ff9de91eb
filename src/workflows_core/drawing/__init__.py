"""Drawing of diagrams: a layered layout, and its renderings as SVG and as text.

The layout follows the four steps of Sugiyama, Tagawa and Toda, *Methods for Visual Understanding of
Hierarchical System Structures* (IEEE Transactions on Systems, Man, and Cybernetics, 1981), and then runs
the lines. The modules, in the order in which the steps are taken: `layers`, `hierarchy`, `ordering`,
`positions` with `straightening`, `routes` with `sides` and `channels`. `layout` puts them together; `svg` and
`ascii` draw the result.

Everything is a pure function, and the same diagram always gives the same drawing.
"""
