using System.Text.Json;
using LlmGateway.Model;

namespace LlmGateway.Tools.Calculator;

/// <summary>Arithmetic in a grammar of its own: nothing is ever compiled or run.</summary>
internal sealed class CalculatorTool : ITool
{
    private static readonly byte[] Schema =
        """{"type":"object","properties":{"expression":{"type":"string","description":"For example: 2 + 2 * 3, (1 + 5%) ^ 10, sqrt(2), max(3, 7), 5!"}},"required":["expression"]}"""u8.ToArray();

    public string Name => ToolNames.Calculator;

    public string Description =>
        "Evaluates one arithmetic expression exactly. Operators + - * / % ^ !, parentheses, the constants pi, e and tau, and the functions "
        + CalculatorFunctions.Names + ". Angles are in radians.";

    public ReadOnlyMemory<byte> Parameters => Schema;

    public ValueTask<ToolOutput> InvokeAsync(JsonElement arguments, GatewayConfig config, CancellationToken cancellationToken)
    {
        if (ToolInput.Text(arguments, "expression") is not { } expression)
        {
            return new(ToolOutput.Error("The argument 'expression' must be a text, such as \"2 + 2\"."));
        }

        var (value, error) = CalculatorParser.Evaluate(expression);
        return new(error is null ? ToolOutput.Answer(value.ToString()) : ToolOutput.Error(error));
    }
}
