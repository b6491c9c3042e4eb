package refgate;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import java.io.ByteArrayInputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.hl7.fhir.common.hapi.validation.support.CachingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirDefaultPolicyAdvisor;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.common.hapi.validation.validator.WorkerContextValidationSupportAdapter;
import org.hl7.fhir.r5.elementmodel.Manager.FhirFormat;
import org.hl7.fhir.r5.utils.validation.ValidatorSession;
import org.hl7.fhir.r5.utils.validation.constants.IdStatus;
import org.hl7.fhir.r5.utils.xver.XVerExtensionManagerOld;
import org.hl7.fhir.validation.ValidatorSettings;
import org.hl7.fhir.validation.instance.InstanceValidator;

/** Resources a CPU second of HAPI's validator, warmed, with one InstanceValidator kept. */
public final class Bench {
    private static final int WARM_ROUNDS = 30;
    private static final int ROUNDS = 10;

    private Bench() {
    }

    public static void main(String[] files) throws Exception {
        List<byte[]> texts = new ArrayList<>();
        for (String file : files) {
            texts.add(Files.readAllBytes(Path.of(file)));
        }
        InstanceValidator validator = makeValidator();
        round(validator, texts.subList(0, 1));
        System.err.printf("HAPI, start-up and first resource      %.1f s%n",
            ManagementFactory.getRuntimeMXBean().getUptime() / 1e3);
        for (int i = 0; i < WARM_ROUNDS; i++) {
            round(validator, texts);
        }
        double best = Double.MAX_VALUE;
        for (int i = 0; i < ROUNDS; i++) {
            best = Math.min(best, round(validator, texts));
        }
        System.out.printf("%.0f%n", texts.size() / best);
    }

    private static InstanceValidator makeValidator() {
        FhirContext context = FhirContext.forR4();
        CachingValidationSupport support = new CachingValidationSupport(new ValidationSupportChain(
            new DefaultProfileValidationSupport(context),
            new CommonCodeSystemsTerminologyService(context),
            new InMemoryTerminologyServerValidationSupport(context)));
        WorkerContextValidationSupportAdapter worker =
            WorkerContextValidationSupportAdapter.newVersionSpecificWorkerContextWrapper(support);
        InstanceValidator validator = new InstanceValidator(worker,
            new FhirInstanceValidator.NullEvaluationContext(), new XVerExtensionManagerOld(worker),
            new ValidatorSession(), new ValidatorSettings());
        validator.setAnyExtensionsAllowed(true);
        validator.setResourceIdRule(IdStatus.OPTIONAL);
        validator.setPolicyAdvisor(new FhirDefaultPolicyAdvisor());
        return validator;
    }

    private static double round(InstanceValidator validator, List<byte[]> texts) {
        long start = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        for (byte[] text : texts) {
            validator.validate(null, new ArrayList<>(), new ByteArrayInputStream(text),
                FhirFormat.JSON);
        }
        return (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - start) / 1e9;
    }
}
