package refgate;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.hl7.fhir.common.hapi.validation.support.CachingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/** Resources a CPU second of HAPI's validator, warmed, with one instance validator kept. */
public final class Bench {
    private static final int WARM_ROUNDS = 20;
    private static final int ROUNDS = 10;

    private Bench() {
    }

    public static void main(String[] files) throws Exception {
        List<String> texts = new ArrayList<>();
        for (String file : files) {
            texts.add(Files.readString(Path.of(file)));
        }
        FhirContext context = FhirContext.forR4();
        ValidationSupportChain chain = new ValidationSupportChain(
            new DefaultProfileValidationSupport(context),
            new CommonCodeSystemsTerminologyService(context),
            new InMemoryTerminologyServerValidationSupport(context));
        FhirInstanceValidator module =
            new FhirInstanceValidator(new CachingValidationSupport(chain));
        module.setAnyExtensionsAllowed(true);
        FhirValidator validator = context.newValidator();
        validator.registerValidatorModule(module);
        for (int i = 0; i < WARM_ROUNDS; i++) {
            round(validator, texts);
        }
        double best = Double.MAX_VALUE;
        for (int i = 0; i < ROUNDS; i++) {
            best = Math.min(best, round(validator, texts));
        }
        System.out.printf("%.0f%n", texts.size() / best);
    }

    private static double round(FhirValidator validator, List<String> texts) {
        long start = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        for (String text : texts) {
            validator.validateWithResult(text);
        }
        return (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - start) / 1e9;
    }
}
