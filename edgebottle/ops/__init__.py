"""The operators, one file each."""

from edgebottle.ops.abs import Abs
from edgebottle.ops.add import Add
from edgebottle.ops.add_n import AddN
from edgebottle.ops.arg_max import ArgMax
from edgebottle.ops.arg_min import ArgMin
from edgebottle.ops.assign_variable import AssignVariable
from edgebottle.ops.average_pool_2d import AveragePool2D
from edgebottle.ops.base import Operator
from edgebottle.ops.batch_matmul import BatchMatMul
from edgebottle.ops.batch_to_space_nd import BatchToSpaceND
from edgebottle.ops.broadcast_to import BroadcastTo
from edgebottle.ops.cast import Cast
from edgebottle.ops.ceil import Ceil
from edgebottle.ops.concatenation import Concatenation
from edgebottle.ops.conv_2d import Conv2D
from edgebottle.ops.cos import Cos
from edgebottle.ops.cumsum import Cumsum
from edgebottle.ops.depth_to_space import DepthToSpace
from edgebottle.ops.depthwise_conv_2d import DepthwiseConv2D
from edgebottle.ops.dequantize import Dequantize
from edgebottle.ops.detection_postprocess import DetectionPostProcess
from edgebottle.ops.div import Div
from edgebottle.ops.dynamic_update_slice import DynamicUpdateSlice
from edgebottle.ops.elu import Elu
from edgebottle.ops.embedding_lookup import EmbeddingLookup
from edgebottle.ops.equal import Equal
from edgebottle.ops.exp import Exp
from edgebottle.ops.expand_dims import ExpandDims
from edgebottle.ops.fill import Fill
from edgebottle.ops.floor import Floor
from edgebottle.ops.floor_div import FloorDiv
from edgebottle.ops.floor_mod import FloorMod
from edgebottle.ops.fully_connected import FullyConnected
from edgebottle.ops.gather import Gather
from edgebottle.ops.gather_nd import GatherND
from edgebottle.ops.gelu import Gelu
from edgebottle.ops.greater import Greater
from edgebottle.ops.greater_equal import GreaterEqual
from edgebottle.ops.hard_swish import HardSwish
from edgebottle.ops.hybrid_convolution import HybridConv2D, HybridDepthwiseConv2D
from edgebottle.ops.hybrid_dense import HybridFullyConnected
from edgebottle.ops.l2_normalization import L2Normalization
from edgebottle.ops.l2_pool_2d import L2Pool2D
from edgebottle.ops.leaky_relu import LeakyRelu
from edgebottle.ops.less import Less
from edgebottle.ops.less_equal import LessEqual
from edgebottle.ops.log import Log
from edgebottle.ops.log_softmax import LogSoftmax
from edgebottle.ops.logical_and import LogicalAnd
from edgebottle.ops.logical_not import LogicalNot
from edgebottle.ops.logical_or import LogicalOr
from edgebottle.ops.logistic import Logistic
from edgebottle.ops.max_pool_2d import MaxPool2D
from edgebottle.ops.maximum import Maximum
from edgebottle.ops.mean import Mean
from edgebottle.ops.minimum import Minimum
from edgebottle.ops.mirror_pad import MirrorPad
from edgebottle.ops.mul import Mul
from edgebottle.ops.neg import Neg
from edgebottle.ops.not_equal import NotEqual
from edgebottle.ops.pack import Pack
from edgebottle.ops.pad import Pad
from edgebottle.ops.pad_v2 import PadV2
from edgebottle.ops.prelu import Prelu
from edgebottle.ops.quantize import Quantize
from edgebottle.ops.reduce_all import ReduceAll
from edgebottle.ops.reduce_any import ReduceAny
from edgebottle.ops.reduce_max import ReduceMax
from edgebottle.ops.reduce_min import ReduceMin
from edgebottle.ops.relu import Relu
from edgebottle.ops.relu6 import Relu6
from edgebottle.ops.relu_n1_to_1 import ReluN1To1
from edgebottle.ops.reshape import Reshape
from edgebottle.ops.resize_bilinear import ResizeBilinear
from edgebottle.ops.resize_nearest_neighbor import ResizeNearestNeighbor
from edgebottle.ops.reverse_v2 import ReverseV2
from edgebottle.ops.round import Round
from edgebottle.ops.rsqrt import Rsqrt
from edgebottle.ops.select import Select
from edgebottle.ops.select_v2 import SelectV2
from edgebottle.ops.sin import Sin
from edgebottle.ops.slice import Slice
from edgebottle.ops.softmax import Softmax
from edgebottle.ops.space_to_batch_nd import SpaceToBatchND
from edgebottle.ops.space_to_depth import SpaceToDepth
from edgebottle.ops.split import Split
from edgebottle.ops.split_v import SplitV
from edgebottle.ops.sqrt import Sqrt
from edgebottle.ops.square import Square
from edgebottle.ops.squared_difference import SquaredDifference
from edgebottle.ops.squeeze import Squeeze
from edgebottle.ops.strided_slice import StridedSlice
from edgebottle.ops.sub import Sub
from edgebottle.ops.sum import ReduceSum
from edgebottle.ops.svdf import Svdf
from edgebottle.ops.tanh import Tanh
from edgebottle.ops.tile import Tile
from edgebottle.ops.transpose import Transpose
from edgebottle.ops.transpose_conv import TransposeConv
from edgebottle.ops.unidirectional_sequence_lstm import UnidirectionalSequenceLstm
from edgebottle.ops.unpack import Unpack

OPERATORS: tuple[type[Operator], ...] = (
    Abs,
    Add,
    AddN,
    ArgMax,
    ArgMin,
    AssignVariable,
    AveragePool2D,
    BatchMatMul,
    BatchToSpaceND,
    BroadcastTo,
    Cast,
    Ceil,
    Concatenation,
    Conv2D,
    Cos,
    Cumsum,
    DepthToSpace,
    DepthwiseConv2D,
    Dequantize,
    DetectionPostProcess,
    Div,
    DynamicUpdateSlice,
    Elu,
    EmbeddingLookup,
    Equal,
    Exp,
    ExpandDims,
    Fill,
    Floor,
    FloorDiv,
    FloorMod,
    FullyConnected,
    Gather,
    GatherND,
    Gelu,
    Greater,
    GreaterEqual,
    HardSwish,
    L2Normalization,
    L2Pool2D,
    LeakyRelu,
    Less,
    LessEqual,
    Log,
    LogSoftmax,
    LogicalAnd,
    LogicalNot,
    LogicalOr,
    Logistic,
    MaxPool2D,
    Maximum,
    Mean,
    Minimum,
    MirrorPad,
    Mul,
    Neg,
    NotEqual,
    Pack,
    Pad,
    PadV2,
    Prelu,
    Quantize,
    ReduceAll,
    ReduceAny,
    ReduceMax,
    ReduceMin,
    Relu,
    Relu6,
    ReluN1To1,
    Reshape,
    ResizeBilinear,
    ResizeNearestNeighbor,
    ReverseV2,
    Round,
    Rsqrt,
    Select,
    SelectV2,
    Sin,
    Slice,
    Softmax,
    SpaceToBatchND,
    SpaceToDepth,
    Split,
    SplitV,
    Sqrt,
    Square,
    SquaredDifference,
    Squeeze,
    StridedSlice,
    Sub,
    ReduceSum,
    Svdf,
    Tanh,
    Tile,
    Transpose,
    TransposeConv,
    UnidirectionalSequenceLstm,
    Unpack,
)

BY_NAME: dict[str, type[Operator]] = {operator.OP: operator for operator in OPERATORS}

HYBRID: dict[str, type[Operator]] = {
    operator.OP: operator
    for operator in (HybridConv2D, HybridDepthwiseConv2D, HybridFullyConnected)
}
"""Operators that are others where activations are float32 and weights int8."""
